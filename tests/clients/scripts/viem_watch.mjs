// What viem is told as it happens: blocks and events, by polling and by WebSocket.
import { createPublicClient, http, webSocket } from 'viem'
import { answer, l2, mined, request, walletClient } from './network.mjs'

const { abi, bytecode } = request
const { contractAddress: address } = await mined(await walletClient.deployContract({ abi, bytecode, args: ['first'] }))

async function watched(transport) {
  const client = createPublicClient({ chain: l2, transport, pollingInterval: 100 })
  const blocks = []
  const events = []
  const pending = []
  const errors = []
  const onError = (error) => errors.push(String(error))
  const unwatch = [
    client.watchBlocks({ onBlock: (block) => blocks.push(block), onError, emitMissed: true }),
    client.watchContractEvent({
      address, abi, eventName: 'Noted', onLogs: (logs) => events.push(...logs), onError,
    }),
    client.watchPendingTransactions({ onTransactions: (hashes) => pending.push(...hashes), onError }),
  ]
  await new Promise((resolve) => setTimeout(resolve, 500))
  const hash = await walletClient.writeContract({ address, abi, functionName: 'write', args: ['watched'] })
  await mined(hash)
  const deadline = Date.now() + 15_000
  while ((blocks.length < 2 || events.length < 1 || pending.length < 1) && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 50))
  unwatch.forEach((stop) => stop())
  return {
    linked: blocks.slice(1).every((block, i) => block.parentHash === blocks[i].hash),
    blocks: blocks.length >= 2,
    texts: events.map(({ args }) => args.text),
    own: events.every(({ transactionHash }) => transactionHash === hash),
    pending: pending.includes(hash),
    errors,
  }
}
const polled = await watched(http())
const pushed = await watched(webSocket())
answer({ polled, pushed })
process.exit(0) // viem keeps the socket open
