// ethers 6 beyond the plain way: the node's own signer, EIP-7702, access lists, filters over HTTP, and names.
import { readFileSync } from 'node:fs'
import { ContractFactory, JsonRpcProvider, Wallet, verifyMessage, verifyTypedData } from 'ethers'

const request = JSON.parse(readFileSync(0, 'utf8'))
// `polling: false`: events come by eth_newFilter and eth_getFilterChanges.
const provider = new JsonRpcProvider(request.url, undefined, { polling: false, pollingInterval: 100 })
provider.pollingInterval = 100
const wallet = new Wallet(request.key, provider)
const notebook = await (await new ContractFactory(request.abi, request.bytecode, wallet).deploy('first')).waitForDeployment()
const address = await notebook.getAddress()

// The node's own account signs and sends.
const domain = { name: 'Mail', version: '1', chainId: 31338, verifyingContract: address }
const types = { Mail: [{ name: 'to', type: 'address' }, { name: 'amounts', type: 'uint256[2]' }] }
const mail = { to: wallet.address, amounts: [1n, 10n ** 30n] }
const signer = await provider.getSigner(request.unlocked)
const signed = {
  message: verifyMessage('hello', await signer.signMessage('hello')) === request.unlocked,
  typed: verifyTypedData(domain, types, mail, await signer.signTypedData(domain, types, mail)) === request.unlocked,
  local: verifyTypedData(domain, types, mail, await wallet.signTypedData(domain, types, mail)) === wallet.address,
}
const byNode = await (await signer.sendTransaction({ to: wallet.address, value: 3n })).wait()

// Listening over HTTP.
const heard = []
await notebook.on('Noted', (author, number, text) => heard.push(text))
await new Promise((resolve) => setTimeout(resolve, 300))
await (await notebook.write('heard')).wait()
const deadline = Date.now() + 10_000
while (!heard.length && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50))
await notebook.off('Noted')

// Types 1 and 4.
const slot = '0x' + '00'.repeat(32)
const listed = await (await notebook.write('listed', { type: 1, accessList: [{ address, storageKeys: [slot] }] })).wait()
const shown = await provider.getTransaction(listed.hash)
const delegating = Wallet.createRandom(provider)
const authorization = await delegating.authorize({ address, chainId: 31338, nonce: 0 })
const delegated = await (await wallet.sendTransaction({ type: 4, to: delegating.address, authorizationList: [authorization] })).wait()
const code = await provider.getCode(delegating.address)

const failed = async (work) => work().then(() => null, (error) => error.code)
const reverted = await (await notebook.write('x'.repeat(65), { gasLimit: 200_000n })).wait().catch((error) => error)
const found = {
  signed,
  byNode: [byNode.status, byNode.from],
  heard,
  listed: [listed.type, shown.accessList.length, listed.status],
  delegated: [delegated.type, delegated.status, code === '0xef0100' + address.slice(2).toLowerCase()],
  reverted: [reverted.code, reverted.receipt.status],
  confirmations: (await listed.confirmations()) >= 1,
  names: [await provider.resolveName('nobody.eth').catch((error) => error.code), await provider.lookupAddress(address).catch((error) => error.code)],
  nothing: [await provider.getTransaction('0x' + '00'.repeat(32)), await provider.getBlock(10 ** 12), await provider.getCode(Wallet.createRandom().address)],
  empty: await failed(() => notebook.attach('0x7777777777777777777777777777777777777777').count()),
  method: await failed(() => provider.send('eth_nothing', [])),
}
process.stdout.write(JSON.stringify(found, (_, item) => (typeof item === 'bigint' ? item.toString() : item)))
process.exit(0) // filters keep polling
