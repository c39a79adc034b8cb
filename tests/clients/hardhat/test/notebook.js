// npx hardhat test nodejs --network openledger
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BaseError, ContractFunctionRevertedError } from 'viem'
import { network } from 'hardhat'

describe('Notebook', async () => {
  const { viem } = await network.create()
  const client = await viem.getPublicClient()
  const [wallet] = await viem.getWalletClients()
  const notebook = await viem.deployContract('Notebook', ['first'])

  it('is owned by who deployed it', async () => {
    assert.equal((await notebook.read.owner()).toLowerCase(), wallet.account.address.toLowerCase())
  })

  it('notes what is written, and says so in the logs', async () => {
    const receipt = await client.waitForTransactionReceipt({ hash: await notebook.write.write(['second']) })
    const [event] = await notebook.getEvents.Noted({ author: wallet.account.address }, { fromBlock: receipt.blockNumber })
    assert.deepEqual([event.args.number, event.args.text], [2n, 'second'])
    assert.equal(await notebook.read.texts([2n]), 'second')
  })

  it('refuses by name', async () => {
    await assert.rejects(notebook.write.write(['x'.repeat(65)]), (error) => {
      assert.ok(error instanceof BaseError)
      const revert = error.walk((cause) => cause instanceof ContractFunctionRevertedError)
      assert.deepEqual([revert.data.errorName, revert.data.args], ['TextTooLong', [65n, 64n]])
      return true
    })
  })

  it('takes money', async () => {
    await client.waitForTransactionReceipt({ hash: await wallet.sendTransaction({ to: notebook.address, value: 7n }) })
    assert.equal(await client.getBalance({ address: notebook.address }), 7n)
  })
})
