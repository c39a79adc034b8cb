// viem's test client in the mode of the request (anvil or hardhat): every action, told by what it changed.
import { createPublicClient, createTestClient, createWalletClient, http, parseEther, walletActions } from 'viem'
import { account as signer, answer, plainChain, request } from './network.mjs'

const { abi, bytecode, mode } = request
const probe = createPublicClient({ transport: http(request.url) })
const chain = plainChain(await probe.getChainId())
const manner = { chain, transport: http(request.url), pollingInterval: 50, cacheTime: 0 }
const reader = createPublicClient(manner)
const test = createTestClient({ ...manner, mode }).extend(walletActions)
const wallet = createWalletClient({ ...manner, account: signer })
const whale = '0x00000000000000000000000000000000000a11ce'
const nobody = '0x0000000000000000000000000000000000000b0b'
const rollup = request.blockTimeS !== undefined

const head = () => reader.getBlock()
const receiptOf = (hash) => reader.waitForTransactionReceipt({ hash, timeout: 60_000 })
const refused = async (work) => work().then(() => null, (error) => error.details ?? error.message)
const found = {}

// Blocks come when asked only.
await test.setIntervalMining({ interval: 0 })
const before = await head()
await new Promise((resolve) => setTimeout(resolve, 1500))
const still = await head()
await test.mine({ blocks: 3 })
const mined = await head()
found.mining = { still: still.number - before.number, mined: mined.number - still.number }

// Time, which a rollup turns by mining the blocks in between.
const step = rollup ? request.blockTimeS : 60
const jump = rollup ? 20 : 600
const old = await head()
await test.increaseTime({ seconds: jump })
await test.mine({ blocks: 1 })
const later = await head()
await test.setNextBlockTimestamp({ timestamp: later.timestamp + BigInt(jump) })
await test.mine({ blocks: 1 })
const exact = await head()
await test.mine({ blocks: 2, interval: step })
const [parent, last] = [await reader.getBlock({ blockNumber: exact.number + 1n }), await head()]
found.time = {
  increased: later.timestamp - old.timestamp >= BigInt(jump),
  exact: exact.timestamp - later.timestamp - BigInt(jump),
  interval: last.timestamp - parent.timestamp,
  wanted: step,
}

// What a contract is and has.
const deployed = await wallet.deployContract({ abi, bytecode, args: ['first'] })
await test.mine({ blocks: 1 })
const { contractAddress: address } = await receiptOf(deployed)
const code = await reader.getCode({ address })
const count = (at) => reader.readContract({ address: at, abi, functionName: 'count' })
await test.setStorageAt({ address, index: 0, value: '0x' + '7b'.padStart(64, '0') })
await test.setCode({ address: nobody, bytecode: code })
await test.setBalance({ address: whale, value: parseEther('5') })
await test.setNonce({ address: whale, nonce: 9 })
found.accounts = {
  count: await count(address),
  copied: await reader.readContract({ address: nobody, abi, functionName: 'TEXT_LIMIT' }),
  balance: await reader.getBalance({ address: whale }),
  nonce: await reader.getTransactionCount({ address: whale }),
}
await test.mine({ blocks: 1 })
found.accounts.kept = [await count(address), await reader.getBalance({ address: whale })]

// Accounts without keys.
const pay = { account: whale, to: signer.address, value: 1n }
const stranger = await refused(() => test.sendTransaction(pay))
await test.impersonateAccount({ address: whale })
const paid = await test.sendTransaction(pay)
await test.mine({ blocks: 1 })
const payment = await receiptOf(paid)
const shown = await reader.getTransaction({ hash: paid })
await test.stopImpersonatingAccount({ address: whale })
const unsigned = await test.sendUnsignedTransaction({ from: whale, to: signer.address, value: 2n })
await test.mine({ blocks: 1 })
found.impersonation = {
  stranger,
  payment: [payment.status, payment.from, shown.nonce],
  stopped: await refused(() => test.sendTransaction(pay)),
  unsigned: (await receiptOf(unsigned)).from,
}
if (mode === 'anvil') {
  await test.request({ method: 'anvil_autoImpersonateAccount', params: [true] })
  const anybody = await test.sendTransaction({ ...pay, value: 3n })
  await test.mine({ blocks: 1 })
  found.impersonation.automatic = (await receiptOf(anybody)).status
  await test.request({ method: 'anvil_autoImpersonateAccount', params: [false] })
  found.impersonation.over = await refused(() => test.sendTransaction(pay))
}

// Snapshots and dumps.
const place = await head()
const id = await test.snapshot()
const dump = await test.dumpState()
await test.setBalance({ address: whale, value: 1n })
const undone = await wallet.sendTransaction({ to: nobody, value: 0n, gas: 100_000n })
await test.mine({ blocks: 2 })
await test.revert({ id })
found.snapshot = {
  head: (await head()).hash === place.hash,
  balance: await reader.getBalance({ address: whale }),
  undone: await refused(() => reader.getTransactionReceipt({ hash: undone })),
  again: await test.request({ method: 'evm_revert', params: [id] }),
}
await test.request({ method: 'evm_mine', params: [] })
await test.setBalance({ address: whale, value: 2n })
await test.loadState({ state: dump })
found.snapshot.loaded = [(await head()).hash === place.hash, await reader.getBalance({ address: whale })]

// The pool.
await test.dropTransaction({ hash: undone }) // a transaction of a block that was undone may wait again
await test.mine({ blocks: 1 })
const first = await wallet.sendTransaction({ to: nobody, value: 0n, gas: 100_000n })
const second = await wallet.sendTransaction({ to: whale, value: 1n, gas: 21_000n, nonce: (await reader.getTransaction({ hash: first })).nonce + 1 })
const waiting = { status: await test.getTxpoolStatus(), content: await test.getTxpoolContent(), lines: await test.inspectTxpool() }
await test.dropTransaction({ hash: first })
const after = await test.getTxpoolStatus()
await test.dropTransaction({ hash: second })
found.pool = {
  status: waiting.status,
  content: Object.values(waiting.content.pending).flatMap(Object.values).map(({ hash }) => [first, second].indexOf(hash)),
  lines: Object.values(waiting.lines.pending).flatMap(Object.values).map((line) => line.includes('wei')),
  after,
  gone: await refused(() => reader.getTransaction({ hash: first })),
  empty: await test.getTxpoolStatus(),
}

// A block for every transaction.
await test.setAutomine(true)
const automatic = await test.getAutomine()
const instant = await receiptOf(await wallet.sendTransaction({ to: whale, value: 1n }))
await test.setAutomine(false)
found.automine = [automatic, instant.status, await test.getAutomine()]

// What else follows from the rules: fees, limit, who is paid.
await test.setNextBlockBaseFeePerGas({ baseFeePerGas: 70_000n })
await test.setCoinbase({ address: whale })
await test.setBlockGasLimit({ gasLimit: 20_000_000n })
await test.mine({ blocks: 1 })
const steered = await head()
await test.mine({ blocks: 1 })
const next = await head()
found.steering = {
  baseFee: [steered.baseFeePerGas, next.baseFeePerGas === 70_000n],
  coinbase: [steered.miner, next.miner].map((miner) => miner.toLowerCase() === whale),
  gasLimit: [steered.gasLimit, next.gasLimit],
}

// What changes nothing, and what such a chain cannot do.
await test.setLoggingEnabled(true)
await test.removeBlockTimestampInterval()
found.refusals = {
  minimum: await refused(() => test.setMinGasPrice({ gasPrice: 1n })),
  fork: await refused(() => test.reset({ jsonRpcUrl: 'http://127.0.0.1:1', blockNumber: 1n })),
  rpcUrl: await refused(() => test.setRpcUrl('http://127.0.0.1:1')),
}
await test.setIntervalMining({ interval: 1 })
const resumed = await head()
await new Promise((resolve) => setTimeout(resolve, 1500))
found.mining.resumed = (await head()).number > resumed.number

// From genesis again, unless the chain belongs to an L1.
await test.setIntervalMining({ interval: 0 })
const refusal = await refused(() => test.reset())
found.reset = refusal ?? [(await head()).number, await reader.getBalance({ address: whale }), await test.getTxpoolStatus()]
await test.setIntervalMining({ interval: 1 })
answer(found)
