"""What holds for all tests: how long a draw takes tells what else the machine does; none fails."""

from hypothesis import HealthCheck, settings

ANY_MACHINE = "any machine"
settings.register_profile(ANY_MACHINE, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(ANY_MACHINE)
