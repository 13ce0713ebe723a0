import { styleText } from 'node:util'
import { withCommandAudit } from 'commandlog'
import { memoryStore } from 'commandlog/memory'
import { drawTree } from './command-tree.ts'
import { changePrice, checkout, shopBus } from './shop.ts'

const store = memoryStore()
const shop = withCommandAudit(shopBus(), store, { source: { service: 'demo-shop' } })

const good = { item: 'oolong', quantity: 2, card: '4111 1111 1111 1111' }
await shop.send(checkout(good), { correlationId: 'Ada buys tea', userId: 'ada', clientRef: 'browser-1' })
await shop
  .send(checkout({ ...good, card: '4000 0000 0000 0002' }), { correlationId: 'Bob’s card is declined', userId: 'bob' })
  .catch(refused)
await shop
  .send(checkout({ ...good, quantity: 500 }), { correlationId: 'Cleo wants it all', userId: 'cleo' })
  .catch(refused)
await shop
  .send(changePrice({ item: 'oolong', cents: 500, version: 3 }), { correlationId: 'Two editors, one price' })
  .catch(refused)
await shop.send(checkout(good), { correlationId: 'What would happen if', userId: 'ada', dryRun: true })

for (const correlation of [
  'Ada buys tea',
  'Bob’s card is declined',
  'Cleo wants it all',
  'Two editors, one price',
  'What would happen if',
]) {
  console.log(`\n${styleText('bold', correlation)}`)
  console.log(drawTree(await store.findByCorrelation(correlation)))
}

const { records } = await store.list({ limit: 1000 })
const declined = await store.list({ problemCode: 'card-declined' })
console.log(`\n${records.length} commands on the record; card-declined stopped ${declined.records.length} of them.`)
console.log('What the log kept of the card:', declined.records.at(-1)?.payload.data)
console.log('What it kept of the bank’s answer:', declined.records.at(-1)?.problem?.detail)
await shop.close()
await store.close()

/** The shop goes on after a refusal: it is on the record. */
function refused(): void {}
