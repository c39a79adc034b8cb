// A visit of Otterscan's pages, request by request in its own order, through the ethers provider it uses.
// Its page of state differences (trace_replayTransaction) is not served.
import { readFileSync } from 'node:fs'
import { AbiCoder, Contract, JsonRpcProvider, Wallet, ContractFactory, getAddress, Signature, zeroPadValue, toBeHex } from 'ethers'

const request = JSON.parse(readFileSync(0, 'utf8'))
const provider = new JsonRpcProvider(request.url, undefined, { staticNetwork: true, pollingInterval: 100 })
provider.pollingInterval = 100
const wallet = new Wallet(request.key, provider)
const pageSize = 25

// The story: a creation, a call with a log, and one that reverts with a reason.
const factory = new ContractFactory(request.abi, request.bytecode, wallet)
const notebook = await (await factory.deploy('first', { value: 5n })).waitForDeployment()
const address = await notebook.getAddress()
const written = await (await notebook.write('second')).wait()
const refused = await (await notebook.write('x'.repeat(65), { gasLimit: 200_000n })).wait().catch((error) => error.receipt)

// The start: is this a node, of the right kind, of the right level?
const head = await provider.getBlockNumber()
const header = await provider.send('erigon_getHeaderByNumber', [head])
const level = await provider.send('ots_getApiLevel', [])

// The front page: the newest heads, and the finalized one.
const newest = await Promise.all([0, 1, 2].map((back) => provider.send('ots_getBlockDetails', [head - back])))
const finalized = await provider.getBlock('finalized')

// A block's page, by number and by hash, then its transactions.
const details = await provider.send('ots_getBlockDetails', [written.blockNumber])
const byHash = await provider.send('ots_getBlockDetailsByHash', [written.blockHash])
const page = await provider.send('ots_getBlockTransactions', [written.blockNumber, 0, pageSize])
const shown = page.fullblock.transactions.map((item, i) => {
  const receipt = page.receipts[i]
  Signature.from({ r: zeroPadValue(toBeHex(item.r), 32), s: zeroPadValue(toBeHex(item.s), 32), v: Number(item.v) })
  return { hash: item.hash, type: Number(item.type), from: getAddress(item.from), input: item.input, status: Number(receipt.status), fee: BigInt(receipt.gasUsed) * BigInt(item.gasPrice), l1Fee: receipt.l1Fee !== undefined }
})

// A transaction's page and its tabs.
const [transaction, receipt] = await Promise.all([provider.getTransaction(written.hash), provider.getTransactionReceipt(written.hash)])
const operations = await provider.send('ots_getInternalOperations', [written.hash])
const trace = await provider.send('ots_traceTransaction', [written.hash])
const reason = async (hash) => provider.send('ots_getTransactionError', [hash])
const custom = notebook.interface.parseError(await reason(refused.hash))
const isContract = await provider.send('ots_hasCode', [address, written.blockNumber - 1])

// An address's page: is it a contract, who made it, what happened to it, page by page.
const creator = await provider.send('ots_getContractCreator', [address])
const history = await provider.send('ots_searchTransactionsBefore', [address, 0, pageSize])
const older = await provider.send('ots_searchTransactionsBefore', [address, written.blockNumber, pageSize])
const newer = await provider.send('ots_searchTransactionsAfter', [address, written.blockNumber, pageSize])
const first = await provider.send('ots_searchTransactionsAfter', [address, 0, pageSize])
const token = await new Contract(address, ['function name() view returns (string)'], provider).name().catch((error) => error.code)

// Walking through a sender's nonces.
const nonces = await Promise.all([transaction.nonce, 10 ** 9].map((nonce) => provider.send('ots_getTransactionBySenderAndNonce', [wallet.address, nonce])))

const hashes = ({ txs }) => txs.map(({ hash }) => [written.hash, refused.hash, creator.hash].indexOf(hash))
process.stdout.write(
  JSON.stringify({
    start: [Number(header.number) === head, header.transactions, level],
    newest: newest.map(({ block }) => Number(block.number) - head),
    finalized: finalized.number <= head,
    details: {
      equal: JSON.stringify(details) === JSON.stringify(byHash),
      bloom: details.block.logsBloom,
      count: details.block.transactionCount,
      transactions: details.block.transactions,
      issuance: details.issuance,
      fees: BigInt(details.totalFees) === shown.reduce((sum, { fee }) => sum + fee, 0n),
    },
    page: { count: page.fullblock.transactionCount, receipts: page.receipts.map(({ logs, logsBloom }) => [logs, logsBloom]), first: [shown[0].type, shown[0].input.length, shown[0].status] },
    own: shown.filter(({ hash }) => hash === written.hash).map(({ type, from, input, status, l1Fee }) => [type, from === wallet.address, input, status, l1Fee]),
    transaction: [transaction.hash === receipt.hash, receipt.logs.length],
    operations,
    trace: trace.map(({ type, depth, from, to, value, input, output }) => [type, depth, getAddress(from), getAddress(to), BigInt(value).toString(), input.slice(0, 10), AbiCoder.defaultAbiCoder().decode(['uint256'], output).map(String)]),
    errors: [await reason(written.hash), custom.name, custom.args.map(String)],
    isContract,
    creator: [getAddress(creator.creator) === wallet.address, (await provider.getTransactionReceipt(creator.hash)).contractAddress === address],
    history: [hashes(history), history.firstPage, history.lastPage, history.receipts.length],
    older: [hashes(older), older.firstPage, older.lastPage],
    newer: [hashes(newer), newer.firstPage, newer.lastPage],
    first: [hashes(first), first.firstPage, first.lastPage],
    token,
    nonces: [nonces[0] === written.hash, nonces[1]],
    address,
    wallet: wallet.address,
  }),
)
