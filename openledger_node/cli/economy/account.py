"""`openledger-node account`: keys in keystore files, balances, payments, the faucet."""

import secrets
from pathlib import Path

from cyclopts import App

from openledger_node.cli.economy.output import show as show_result
from openledger_node.cli.economy.session import DEFAULTS, Flat, session
from openledger_node.cli.economy.signer import environment_key
from openledger_node.cli.economy.values import Account, Amount, checksummed
from openledger_node.client.account import dev_account
from openledger_node.client.ethereum import hex_bytes
from openledger_node.client.keystore import write_keystore
from openledger_node.errors import UserError

app = App(name="account")

DEV_ACCOUNTS = 10
KEY_BYTES = 32


@app.command
async def new(*, options: Flat = DEFAULTS) -> None:
    """Make a key in the new file `--keystore`, under the password in `--password-file`."""
    _write_key(secrets.token_bytes(KEY_BYTES), options.keystore, options.password_file, as_json=options.json)


@app.command(name="import")
async def import_key(*, options: Flat = DEFAULTS) -> None:
    """Put the key in OPENLEDGER_PRIVATE_KEY into the new file `--keystore`."""
    _write_key(environment_key(), options.keystore, options.password_file, as_json=options.json)


def _write_key(key: bytes, keystore: Path | None, password_file: Path | None, *, as_json: bool) -> None:
    if keystore is None or password_file is None:
        raise UserError("a key needs a file and a password", "give --keystore and --password-file")
    account = write_keystore(key, keystore, password_file)
    show_result({"account": checksummed(account.address), "keystore": str(keystore)}, as_json=as_json)


@app.command(name="list")
async def list_accounts(*, options: Flat = DEFAULTS) -> None:
    """List the accounts of the development mnemonic with their balances."""
    async with session(options) as opened:
        accounts = [dev_account(index).address for index in range(DEV_ACCOUNTS)]
        found = [
            {"index": index, "account": checksummed(each), "balance": await opened.l2.balance_wei(each)}
            for index, each in enumerate(accounts)
        ]
        opened.show({"accounts": found})


@app.command
async def show(*, of: Account | None = None, options: Flat = DEFAULTS) -> None:
    """Show an account's balance, nonce, and everything it has earned; by default the signer's."""
    async with session(options) as opened:
        whose = await opened.whose(of)
        opened.show(
            {
                "account": checksummed(whose),
                "balance": await opened.l2.balance_wei(whose),
                "nonce": await opened.l2.nonce(whose),
                "earned": await opened.l2.rpc.call("openledger_getRewards", hex_bytes(whose)),
            }
        )


@app.command
async def send(to: Account, amount: Amount, *, options: Flat = DEFAULTS) -> None:
    """Pay OPEN to an account."""
    async with session(options) as opened:
        sender = await opened.sender()
        mined = await sender.transfer(to, amount, timeout_s=options.timeout)
        opened.show(
            {"transaction": mined.hash, "block": mined.block_number, "feePaid": mined.fee_wei, "to": to}
        )


@app.command
async def fund(*, of: Account | None = None, options: Flat = DEFAULTS) -> None:
    """Ask the faucet of a development or test network for OPEN."""
    async with session(options) as opened:
        whose = await opened.whose(of)
        hashes = await opened.l2.rpc.call("openledger_fundAddress", hex_bytes(whose))
        opened.show({"account": checksummed(whose), "transactions": hashes})
