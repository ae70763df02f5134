"""The forks py-evm has, by the names that mainnet's history gives them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from eth.abc import VirtualMachineAPI
from eth.vm.forks import (
    ArrowGlacierVM,
    BerlinVM,
    ByzantiumVM,
    CancunVM,
    ConstantinopleVM,
    FrontierVM,
    GrayGlacierVM,
    HomesteadVM,
    IstanbulVM,
    LondonVM,
    MuirGlacierVM,
    ParisVM,
    PetersburgVM,
    PragueVM,
    ShanghaiVM,
    SpuriousDragonVM,
    TangerineWhistleVM,
)

__all__ = ["FORKS"]

FORKS: Mapping[str, type[VirtualMachineAPI]] = MappingProxyType(
    {
        "frontier": FrontierVM,
        "homestead": HomesteadVM,
        "dao_fork": HomesteadVM,
        "tangerine_whistle": TangerineWhistleVM,
        "spurious_dragon": SpuriousDragonVM,
        "byzantium": ByzantiumVM,
        "constantinople": ConstantinopleVM,
        "petersburg": PetersburgVM,
        "istanbul": IstanbulVM,
        "muir_glacier": MuirGlacierVM,
        "berlin": BerlinVM,
        "london": LondonVM,
        "arrow_glacier": ArrowGlacierVM,
        "gray_glacier": GrayGlacierVM,
        "paris": ParisVM,
        "shanghai": ShanghaiVM,
        "cancun": CancunVM,
        "prague": PragueVM,
    }
)
"""Fork name → py-evm's rules, oldest first."""
