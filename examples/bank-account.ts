import { type Command, CommandBus, CommandRejected, withCommandAudit } from 'commandlog'
import { type Decided, type DomainEvent, decider, memoryEventStore } from 'commandlog/eventsourcing'
import { memoryStore } from 'commandlog/memory'

type Deposit = Command<'deposit', { account: string; amount: number }, number>
type Withdraw = Command<'withdraw', { account: string; amount: number }, number>
type Freeze = Command<'freeze', { account: string }, number>

type AccountEvent =
  | DomainEvent<'deposited', { amount: number }>
  | DomainEvent<'withdrawn', { amount: number }>
  | DomainEvent<'frozen', object>

interface Account {
  readonly balance: number
  readonly isFrozen: boolean
}

function decide(command: Deposit | Withdraw | Freeze, { balance, isFrozen }: Account): Decided<AccountEvent, number> {
  const { type, data } = command
  // What is so already needs no event.
  if (type === 'freeze') return { events: isFrozen ? [] : { type: 'frozen', data: {} }, result: balance }
  if (isFrozen) throw new CommandRejected({ code: 'frozen', title: 'The account is frozen' })
  const { amount } = data
  if (type === 'deposit') return { events: { type: 'deposited', data: { amount } }, result: balance + amount }
  if (amount > balance) throw new CommandRejected({ code: 'not-enough', title: `Only ${balance} is left` })
  return { events: { type: 'withdrawn', data: { amount } }, result: balance - amount }
}

function evolve(account: Account, { type, data }: AccountEvent): Account {
  if (type === 'frozen') return { ...account, isFrozen: true }
  return { ...account, balance: account.balance + (type === 'deposited' ? data.amount : -data.amount) }
}

let made = 0
const events = memoryEventStore()
const account = decider({
  initialState: (): Account => ({ balance: 0, isFrozen: false }),
  decide,
  evolve,
  stream: ({ data }) => `account-${data.account}`,
  store: events,
  newId: () => `e-${++made}`,
})

const store = memoryStore()
const handlers = new CommandBus<Deposit | Withdraw | Freeze>()
  .register('deposit', account)
  .register('withdraw', account)
  .register('freeze', account)
const bank = withCommandAudit(handlers, store)

const { result } = await bank.send({ type: 'deposit', data: { account: 'ada', amount: 100 } }, { id: 'c-1' })
console.log(`Ada has ${result}`)

// Both read 100; whoever appends second finds the stream changed, decides again, and is refused.
const withdraw = { type: 'withdraw', data: { account: 'ada', amount: 60 } } as const
await Promise.allSettled([bank.send(withdraw, { id: 'c-2' }), bank.send(withdraw, { id: 'c-3' })])

const would = await bank.send({ type: 'freeze', data: { account: 'ada' } }, { id: 'c-4', dryRun: true })
console.log(`Freezing would leave ${would.result} in it, as version ${would.events[0]?.version}`)
for (const id of ['c-5', 'c-6']) await bank.send({ type: 'freeze', data: { account: 'ada' } }, { id })
await bank.send({ type: 'deposit', data: { account: 'ada', amount: 5 } }, { id: 'c-7' }).catch(() => {})

console.log('\nWhat was asked:')
for (const { id, type, state, events: refs, problem, dryRun } of (await store.list({ order: 'oldest' })).records) {
  const came = problem?.code ?? refs.map((ref) => `${ref.type} ${ref.version}`).join()
  console.log(`  ${id} ${type}: ${state}${dryRun ? ' dry run' : ''}${came === '' ? '' : `, ${came}`}`)
}
console.log('\nWhat happened:')
for (const { version, type, metadata } of await events.read('account-ada')) {
  console.log(`  ${version} ${type} by ${metadata.commandId}`)
}

await bank.close()
