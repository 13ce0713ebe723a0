import { existsSync } from 'node:fs'
import { styleText } from 'node:util'
import { type Command, type SendOptions, uuidv7, withCommandAudit } from 'commandlog'
import { effects } from 'commandlog/eventsourcing'
import { sqliteStore } from 'commandlog/sqlite'
import { drawTree } from './command-tree.ts'
import { changePrice, checkout, shopBus } from './shop.ts'

const path = 'demo.db'
const isFirstRun = !existsSync(path)
const store = await sqliteStore({ path })
const shop = withCommandAudit(shopBus(), store, { source: { service: 'demo-shop' } })
const startedAt = Date.now()

/** Sends a command, and shows what the log has of it and of all that it caused. */
async function show(title: string, command: Command, options: SendOptions): Promise<void> {
  const id = uuidv7()
  // A refusal is an answer too, and on the record.
  await shop.send(command, { ...options, id }).catch(() => {})
  console.log(`\n${styleText('bold', title)}`)
  console.log(drawTree(await effects(store, id)))
}

const order = { item: 'oolong', quantity: 2, card: '4111 1111 1111 1111' }
await show('Ada buys tea', checkout(order), { userId: 'ada', clientRef: 'browser-1' })
await show('Bob’s card is declined', checkout({ ...order, card: '4000 0000 0000 0002' }), { userId: 'bob' })
await show('Cleo wants it all', checkout({ ...order, quantity: 500 }), { userId: 'cleo' })
await show('Two editors, one price', changePrice({ item: 'oolong', cents: 500, version: 3 }), { userId: 'dora' })
await show('What would happen if', checkout(order), { userId: 'ada', dryRun: true })

const declined = await store.list({ problemCode: 'card-declined', from: startedAt })
console.log('\nWhat the log kept of the card:', declined.records.at(-1)?.payload.data)
console.log('What it kept of the bank’s answer:', declined.records.at(-1)?.problem?.detail)

const now = await store.list({ from: startedAt, limit: 1000 })
console.log(`\n${now.records.length} commands are on the record in ${path}.`)
if (isFirstRun) {
  console.log('Run the demo again: they will still be there.')
} else {
  const earlier = await store.list({ to: startedAt, limit: 3 })
  console.log('From earlier runs, the latest:')
  for (const { receivedAt, type, userId, state } of earlier.records) {
    console.log(`  ${new Date(receivedAt).toISOString()}  ${type}  ${userId}  ${state}`)
  }
}
await shop.close()
await store.close()
