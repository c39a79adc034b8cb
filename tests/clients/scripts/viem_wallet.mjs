// What a wallet does with viem: messages and typed data, by a local key and by the node's own account.
import { createWalletClient, hashTypedData, http, recoverTypedDataAddress } from 'viem'
import { account, answer, l2, publicClient, request, walletClient } from './network.mjs'

const domain = { name: 'Ether Mail', version: '1', chainId: 31338, verifyingContract: '0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC' }
const types = {
  Person: [{ name: 'name', type: 'string' }, { name: 'wallets', type: 'address[]' }],
  Mail: [{ name: 'from', type: 'Person' }, { name: 'to', type: 'Person[2]' }, { name: 'contents', type: 'string' }, { name: 'salt', type: 'bytes32' }, { name: 'amount', type: 'uint256' }, { name: 'change', type: 'int64' }, { name: 'seen', type: 'bool' }],
}
const person = { name: 'Cow', wallets: ['0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB'] }
const mail = { domain, types, primaryType: 'Mail', message: { from: person, to: [person, person], contents: 'Hello', salt: '0x' + '11'.repeat(32), amount: 10n ** 30n, change: -5n, seen: true } }

const [unlocked] = (await createWalletClient({ chain: l2, transport: http() }).getAddresses()).slice(-1)
const byNode = createWalletClient({ account: unlocked, chain: l2, transport: http() })
const nodes = { message: await byNode.signMessage({ message: 'hello' }), typed: await byNode.signTypedData(mail) }
const own = { message: await walletClient.signMessage({ message: 'hello' }), typed: await walletClient.signTypedData(mail) }

// Checked on chain, by a contract that is deployed for one call only.
const verified = [
  await publicClient.verifyMessage({ address: unlocked, message: 'hello', signature: nodes.message }),
  await publicClient.verifyTypedData({ address: unlocked, ...mail, signature: nodes.typed }),
  await publicClient.verifyMessage({ address: account.address, message: 'hello', signature: own.message }),
  await publicClient.verifyTypedData({ address: account.address, ...mail, signature: own.typed }),
  await publicClient.verifyMessage({ address: account.address, message: 'bye', signature: own.message }),
]
// The node fills, signs and sends for its own account; for anybody's it waits for the receipt when asked to.
const to = '0x5555555555555555555555555555555555555555'
const sentByNode = await publicClient.waitForTransactionReceipt({ hash: await byNode.sendTransaction({ to, value: 1n }) })
const prepared = await walletClient.prepareTransactionRequest({ to, value: 1n })
const atOnce = await walletClient.sendRawTransactionSync({ serializedTransaction: await walletClient.signTransaction(prepared) })
const added = await walletClient.request({ method: 'wallet_addEthereumChain', params: [{ chainId: '0x7a6a' }] }).catch((error) => error.name)
answer({
  recovered: (await recoverTypedDataAddress({ ...mail, signature: nodes.typed })) === unlocked,
  lengths: [nodes.message.length, nodes.typed.length, hashTypedData(mail).length],
  verified,
  sentByNode: [sentByNode.status, sentByNode.from.toLowerCase() === unlocked.toLowerCase()],
  atOnce: [atOnce.status, atOnce.transactionHash.length],
  prepared: { type: prepared.type, chainId: prepared.chainId, gas: prepared.gas },
  walletOnly: added,
})
