"""The exchange and the tokens on it as contracts: Uniswap v2's factory, router and pairs, ERC-20.

Source: Uniswap v2 (`IUniswapV2Router02`, `IUniswapV2Factory`, `IUniswapV2Pair`), EIP-20; addresses are
`genesis.addresses`. OPEN itself trades as WOPEN; the router wraps and unwraps it.
"""

from genesis import addresses
from genesis.types import Address
from openledger_node.client.abi import interface_from_signatures
from openledger_node.client.contract import Contract

WOPEN_ADDRESS = addresses.OP_WETH9
NO_PAIR = Address(bytes(20))

_ERC20 = interface_from_signatures(
    "function name() view returns (string)",
    "function symbol() view returns (string)",
    "function decimals() view returns (uint8)",
    "function totalSupply() view returns (uint256)",
    "function balanceOf(address account) view returns (uint256)",
    "function allowance(address owner, address spender) view returns (uint256)",
    "function approve(address spender, uint256 amount) returns (bool)",
    "function transfer(address to, uint256 amount) returns (bool)",
)
_PAIR = interface_from_signatures(
    "function token0() view returns (address)",
    "function getReserves() view returns (uint112 reserve0, uint112 reserve1, uint32 blockTimestampLast)",
    "function totalSupply() view returns (uint256)",
    "function balanceOf(address owner) view returns (uint256)",
    "function allowance(address owner, address spender) view returns (uint256)",
    "function approve(address spender, uint256 value) returns (bool)",
    "event Mint(address indexed sender, uint256 amount0, uint256 amount1)",
    "event Burn(address indexed sender, uint256 amount0, uint256 amount1, address indexed to)",
)
_WOPEN = interface_from_signatures(
    "function balanceOf(address account) view returns (uint256)",
    "function totalSupply() view returns (uint256)",
    "function approve(address spender, uint256 amount) returns (bool)",
    "function transfer(address to, uint256 amount) returns (bool)",
    "function deposit()",
    "function withdraw(uint256 amount)",
)

FACTORY = Contract(
    addresses.UNISWAP_FACTORY,
    interface_from_signatures(
        "function getPair(address tokenA, address tokenB) view returns (address pair)",
        "event PairCreated(address indexed token0, address indexed token1, address pair, uint256 count)",
    ),
)
ROUTER = Contract(
    addresses.UNISWAP_ROUTER,
    interface_from_signatures(
        "function getAmountsOut(uint256 amountIn, address[] path) view returns (uint256[] amounts)",
        "function addLiquidityETH(address token, uint256 amountTokenDesired, uint256 amountTokenMin,"
        " uint256 amountETHMin, address to, uint256 deadline)"
        " returns (uint256 amountToken, uint256 amountETH, uint256 liquidity)",
        "function removeLiquidityETH(address token, uint256 liquidity, uint256 amountTokenMin,"
        " uint256 amountETHMin, address to, uint256 deadline)"
        " returns (uint256 amountToken, uint256 amountETH)",
        "function swapExactETHForTokens(uint256 amountOutMin, address[] path, address to, uint256 deadline)"
        " returns (uint256[] amounts)",
        "function swapExactTokensForETH(uint256 amountIn, uint256 amountOutMin, address[] path, address to,"
        " uint256 deadline) returns (uint256[] amounts)",
        "function swapExactTokensForTokens(uint256 amountIn, uint256 amountOutMin, address[] path,"
        " address to, uint256 deadline) returns (uint256[] amounts)",
    ),
)
WOPEN = Contract(WOPEN_ADDRESS, _WOPEN)


def erc20(address: Address) -> Contract:
    """Any token."""
    return Contract(address, _ERC20)


def pair(address: Address) -> Contract:
    """A pool of two tokens, which is a token itself: its shares."""
    return Contract(address, _PAIR)
