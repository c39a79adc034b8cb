"""The L2 predeploys in Solidity, the compiler that makes every artefact, and the artefacts."""
