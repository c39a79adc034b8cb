"""`openledger-node infer`: buying and selling answers, by channel and by request on the chain."""

from cyclopts import App

from openledger_node.cli.economy import channels, providers, purchases, requests, retrievals

app = App(name="infer")

COMMANDS = (
    providers.models,
    providers.providers,
    providers.announce,
    providers.offer,
    providers.statistics,
    providers.earnings,
    providers.release,
    channels.open_channel,
    channels.top_up,
    channels.settle,
    channels.close,
    channels.withdraw,
    channels.channel,
    channels.receipt,
    channels.settlement,
    purchases.buy,
    purchases.ask,
    purchases.once,
    retrievals.retrievals,
    retrievals.claim_retrieval,
    requests.request,
    requests.fulfil,
    requests.settle_request,
    requests.dispute_request,
    requests.refund_request,
    requests.deliver,
    requests.show_request,
)
for command in COMMANDS:
    app.command(command)
