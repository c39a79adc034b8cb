// Runs the viem package against a node: told where by JSON on stdin, answers JSON. `sdk` is a folder with its sources.
import { readFileSync } from 'node:fs'

const { sdk, url, key } = JSON.parse(readFileSync(0, 'utf8'))
const { claimTypedData, openLedgerActions, openledgerDev, retrievalVoucherTypedData, voucherTypedData } = await import(`${sdk}/src/index.ts`)
const { createWalletClient, hashTypedData, http, keccak256, stringToHex } = await import(`${sdk}/viem.mjs`)
const { privateKeyToAccount } = await import(`${sdk}/accounts.mjs`)

const account = privateKeyToAccount(key)
const client = createWalletClient({ account, chain: openledgerDev, transport: http(url), pollingInterval: 200 }).extend(
  openLedgerActions(),
)
const { openledger } = client
const licence = stringToHex('cc-by-4.0', { size: 32 })
const made = await openledger.datanets.sync.createDatanet(['Digits', 'ipfs://card', keccak256('0x01'), licence, 0n, 0n])
const { datanetId } = made.events[0].args
const joined = await openledger.votes.sync.depositFor([account.address], { value: 10n ** 18n })
const refused = await openledger.datanets.sync.publishVersion([datanetId + 100n]).catch((error) => error.message)
const words = { channelId: keccak256('0x02'), receiptsRoot: keccak256('0x03') }
const order = { postId: 1n, contributorIndex: 2n, contributor: account.address, recipient: account.address, deadline: 9n }
const share = { datanetId: 5n, version: 6n, contributors: 7n, root: keccak256('0x04'), amount: 8n }
const shares = [share, { ...share, version: 9n }]
const retrieved = { ...words, firstReceipt: 2n, receiptCount: 3n, shares }

process.stdout.write(
  JSON.stringify({
    event: made.events[0].eventName,
    owner: (await openledger.datanets.read.getDatanet([datanetId])).owner,
    byRpc: (await openledger.getDatanet(datanetId)).owner,
    joined: joined.events.map((event) => event.eventName),
    votes: (await openledger.votes.read.getVotes([account.address])).toString(),
    split: await openledger.previewSplit(10n ** 18n),
    refused,
    voucher: hashTypedData(voucherTypedData(31338, { ...words, receiptCount: 3n, cumulativeFee: 4n })),
    retrieved: hashTypedData(retrievalVoucherTypedData(31338, retrieved)),
    claim: hashTypedData(claimTypedData(31338, order)),
  }),
)
