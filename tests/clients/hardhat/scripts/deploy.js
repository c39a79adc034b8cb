// npx hardhat run scripts/deploy.js --network openledger
import { network } from 'hardhat'

const { viem } = await network.create()
const notebook = await viem.deployContract('Notebook', ['by hardhat'], { value: 5n })
const client = await viem.getPublicClient()
const written = await client.waitForTransactionReceipt({ hash: await notebook.write.write(['second']) })
console.log(JSON.stringify({ address: notebook.address, count: String(await notebook.read.count()), written: written.status }))
