"""`openledger-node factory`: from a Datanet to a model that people pay to use."""

from cyclopts import App

from openledger_node.cli.factory import bases, datasets, leftovers, models, training

app = App(name="factory")

COMMANDS = (
    bases.base,
    bases.add_base,
    datasets.prepare,
    datasets.export,
    training.recipes,
    training.plan,
    training.train,
    training.runs,
    training.show,
    training.cancel,
    models.evaluate,
    models.verify,
    models.publish,
    leftovers.clean,
)
for command in COMMANDS:
    app.command(command)
