"""How a wrong contributor sum is proved wrong: a game over one coordinate of `v_c = Σ Φ`, down to one row."""

from dataclasses import asdict

from openledger_node.validator.arguments import sum_game
from openledger_node.validator.challenger import Challenger
from openledger_node.validator.games import Game, Games
from openledger_node.validator.index_check import (
    IndexInputs,
    WrongSum,
    partial_sums,
    row_evidence,
    rows_layers,
)


class SumGames:
    """One account's games over contributor sums; see `query_games` for those over batch queries."""

    def __init__(self, games: Games, challenger: Challenger) -> None:
        self._games = games
        self._challenger = challenger

    async def play(self, inputs: IndexInputs, verdict: WrongSum) -> bool:
        """Open a game or make its next move; True when it was opened now."""
        game_id = await self._games.opened("SumGameOpened", inputs.index_id)
        if game_id is None:
            method, arguments = sum_game(verdict)
            bond_wei = await self._challenger.bond_wei()
            await self._challenger.send(method, inputs.index_id, *arguments, value_wei=bond_wei)
            return True
        rows = inputs.rows

        async def prove(number: int, game: Game) -> None:
            row = row_evidence(rows, rows_layers(rows), game["first"])
            await self._challenger.send("proveSumGame", number, tuple(asdict(row).values()))

        place = (verdict.contributor_index, verdict.coordinate)
        await self._games.play(game_id, lambda first, count: partial_sums(rows, *place, first, count), prove)
        return False
