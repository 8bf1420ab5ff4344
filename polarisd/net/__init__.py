"""Under which address the world finds this machine: interfaces, sightings, echoes."""
