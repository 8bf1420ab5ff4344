"""The fake NVRTC."""


def getVersion() -> tuple[int, int]:
    return 12, 9
