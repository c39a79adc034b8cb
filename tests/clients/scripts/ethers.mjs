// ethers 6: deploy, send and wait, logs, decoded refusals, fees, a batch of 100 calls, and what WebSocket tells.
import { readFileSync } from 'node:fs'
import { ContractFactory, JsonRpcProvider, Transaction, Wallet, WebSocketProvider, parseEther } from 'ethers'

const request = JSON.parse(readFileSync(0, 'utf8'))
const provider = new JsonRpcProvider(request.url, undefined, { batchMaxCount: 100, polling: true, pollingInterval: 100 })
const wallet = new Wallet(request.key, provider)
const to = '0x4444444444444444444444444444444444444444'

const factory = new ContractFactory(request.abi, request.bytecode, wallet)
const notebook = await (await factory.deploy('first', { value: 7n })).waitForDeployment()
const address = await notebook.getAddress()
const receipt = await (await notebook.write('second')).wait()
const events = await notebook.queryFilter(notebook.filters.Noted(wallet.address, 2n), 0)
const block = await provider.getBlock(receipt.blockNumber, true)

async function refusal(call) {
  try {
    await call()
  } catch (error) {
    const revert = error.revert ?? (error.data?.length > 2 ? notebook.interface.parseError(error.data) : null)
    return { code: error.code, reason: error.reason, name: revert?.name, args: revert?.args?.map(String) }
  }
  throw new Error('not refused')
}
const stranger = { from: '0x1111111111111111111111111111111111111111' }
const refusals = {
  custom: await refusal(() => notebook.write.staticCall('x'.repeat(65))),
  string: await refusal(() => notebook.connect(provider).reset.staticCall(stranger)),
  panic: await refusal(() => notebook.divide(1n, 0n)),
  silent: await refusal(() => notebook.refuse()),
  atEstimate: await refusal(() => notebook.write('x'.repeat(65))),
  nonce: await refusal(() => wallet.sendTransaction({ to, nonce: 0, gasLimit: 21_000n })),
  funds: await refusal(() => wallet.sendTransaction({ to, value: parseEther('1000000'), gasLimit: 21_000n })),
}

const fees = await provider.getFeeData()
const before = await provider.getBalance(to)
const sent = await (await wallet.sendTransaction({ to, value: 5n })).wait()
const legacy = await (await wallet.sendTransaction({ to, value: 5n, type: 0, gasPrice: fees.gasPrice * 2n })).wait()
const found = await provider.getTransaction(sent.hash)
const deposit = await provider.send('eth_getTransactionByHash', [block.transactions[0]])
const counts = await Promise.all(Array.from({ length: 100 }, () => notebook.count()))

// A signed transaction survives the way to the node and back.
const raw = await provider.send('eth_getRawTransactionByHash', [sent.hash])

const socket = new WebSocketProvider(request.url.replace('http', 'ws'))
const listening = notebook.connect(new Wallet(request.key, socket))
const heard = new Promise((resolve) => listening.on('Noted', (author, number, text) => resolve({ author, number, text })))
const blocks = []
await socket.on('block', (number) => blocks.push(number))
const written = await (await listening.write('heard')).wait()
const event = await Promise.race([heard, new Promise((resolve) => setTimeout(() => resolve(null), 10_000))])
while (blocks.length < 2) await new Promise((resolve) => setTimeout(resolve, 50))
await socket.destroy()

process.stdout.write(
  JSON.stringify(
    {
      owner: await notebook.owner(),
      balance: await provider.getBalance(address),
      status: receipt.status,
      events: events.map(({ args, transactionHash }) => ({ text: args.text, own: transactionHash === receipt.hash })),
      holds: block.transactions.includes(receipt.hash),
      refusals,
      fees: { gasPrice: fees.gasPrice, maxFeePerGas: fees.maxFeePerGas, tip: fees.maxPriorityFeePerGas },
      received: (await provider.getBalance(to)) - before,
      types: [sent.type, legacy.type, found.type],
      deposit: { type: deposit.type, source: deposit.sourceHash.length },
      counts: [...new Set(counts.map(String))],
      rawIsOurs: Transaction.from(raw).hash === sent.hash,
      network: (await provider.getNetwork()).chainId,
      event,
      written: written.status,
      heads: blocks.slice(1).every((number, i) => number === blocks[i] + 1),
    },
    (_, item) => (typeof item === 'bigint' ? item.toString() : item),
  ),
)
process.exit(0) // polling would go on
