// How viem names what is not there: names, blocks, transactions, contracts, methods.
import { answer, publicClient, request } from './network.mjs'

const nothing = '0x' + '01'.padStart(64, '0')
const address = '0x7777777777777777777777777777777777777777'
const named = (work) => work.then(() => null, (error) => error.name)
answer({
  name: await named(publicClient.getEnsAddress({ name: 'nobody.eth' })),
  block: await named(publicClient.getBlock({ blockNumber: 10n ** 12n })),
  transaction: await named(publicClient.getTransaction({ hash: nothing })),
  receipt: await named(publicClient.getTransactionReceipt({ hash: nothing })),
  contract: await publicClient
    .readContract({ address, abi: request.abi, functionName: 'count' })
    .catch((error) => error.cause.name),
  method: await publicClient.request({ method: 'eth_nothing' }).catch((error) => [error.name, error.code]),
})
