// What viem reads beyond plain calls: batches, filters, simulations, overrides.
import { createPublicClient, encodeFunctionData, http, parseEther } from 'viem'
import { account, answer, l2, mined, publicClient, request, walletClient } from './network.mjs'

const { abi, bytecode } = request
const stranger = '0x7777777777777777777777777777777777777777'
const rich = '0x8888888888888888888888888888888888888888'
const { contractAddress: address, blockNumber } = await mined(await walletClient.deployContract({ abi, bytecode, args: ['first'] }))

// One HTTP request carries many calls; one eth_call carries many reads.
let requests = 0
const counting = { onFetchRequest: () => void requests++ }
const batched = createPublicClient({ chain: l2, transport: http(request.url, { batch: { batchSize: 100 }, ...counting }) })
const balances = await Promise.all(Array.from({ length: 50 }, () => batched.getBalance({ address: account.address })))
const batch = { requests, answers: balances.length }
requests = 0
const aggregated = createPublicClient({ chain: l2, transport: http(request.url, counting), batch: { multicall: true } })
const reads = await Promise.all(['count', 'owner', 'TEXT_LIMIT'].map((functionName) => aggregated.readContract({ address, abi, functionName })))
const multicall = { requests, reads: reads.map(String) }

// Filters over HTTP.
const events = await publicClient.createContractEventFilter({ address, abi, eventName: 'Noted', args: { author: account.address } })
const blocks = await publicClient.createBlockFilter()
const pending = await publicClient.createPendingTransactionFilter()
const hash = await walletClient.writeContract({ address, abi, functionName: 'write', args: ['filtered'] })
await mined(hash)
const filters = {
  events: (await publicClient.getFilterChanges({ filter: events })).map(({ args }) => args.text),
  again: (await publicClient.getFilterChanges({ filter: events })).length,
  all: (await publicClient.getFilterLogs({ filter: events })).length,
  blocks: (await publicClient.getFilterChanges({ filter: blocks })).length > 0,
  pending: (await publicClient.getFilterChanges({ filter: pending })).includes(hash),
  gone: [await publicClient.uninstallFilter({ filter: events }), await publicClient.uninstallFilter({ filter: events })],
}
const unknown = await publicClient.getFilterChanges({ filter: events }).catch((error) => error.details)

// Simulations: blocks after blocks, and one account's calls with what they move.
const call = (functionName, args) => ({ to: address, abi, functionName, args })
const simulated = await publicClient.simulateBlocks({
  blocks: [
    { calls: [{ account: rich, to: stranger, value: parseEther('2') }], stateOverrides: [{ address: rich, balance: parseEther('10') }] },
    { blockOverrides: { time: 2_000_000_000n }, calls: [{ account: rich, ...call('write', ['simulated']) }, { account: rich, ...call('count') }, { account: rich, ...call('divide', [1n, 0n]) }] },
  ],
})
const moved = await publicClient.simulateCalls({
  account: account.address, calls: [{ to: stranger, value: 5n }, call('write', ['moved'])], traceAssetChanges: true,
})

// Overrides of state and block.
const slot = (n) => '0x' + n.toString(16).padStart(64, '0')
const overrides = {
  code: (await publicClient.call({ to: stranger, data: '0x', stateOverride: [{ address: stranger, code: '0x602a60005260206000f3' }] })).data,
  number: (await publicClient.call({ data: '0x4360005260206000f3', blockOverrides: { number: 123_456n } })).data,
  estimate: await publicClient.estimateGas({ account: rich, to: stranger, value: 1n, stateOverride: [{ address: rich, balance: parseEther('1') }] }),
  state: await publicClient.readContract({ address, abi, functionName: 'count', stateOverride: [{ address, stateDiff: [{ slot: slot(0), value: slot(77) }] }] }),
  past: await publicClient.readContract({ address, abi, functionName: 'count', blockNumber }),
}
const poor = await publicClient.estimateGas({ account: rich, to: stranger, value: 1n }).catch((error) => error.walk((e) => e.name === 'InsufficientFundsError')?.name)
answer({
  batch,
  multicall: [multicall.requests, multicall.reads[0], multicall.reads[2]],
  filters,
  unknown,
  simulated: simulated.map(({ calls, timestamp }) => ({ timestamp, calls: calls.map(({ status, result, error }) => [status, result, error?.name]) })),
  moved: { statuses: moved.results.map(({ status }) => status), changes: moved.assetChanges.map(({ token, value }) => [token.symbol, value.diff]) },
  overrides,
  poor,
  blobBaseFee: await publicClient.getBlobBaseFee(),
  confirmations: (await publicClient.getTransactionConfirmations({ hash })) >= 1n,
})
