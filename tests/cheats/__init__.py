"""Every way to cheat that we know, as a prover that tries it, beside the honest one.

`world` simulates time, `devices` charge for work, `cases` hold what the tests share;
each `test_` module is one family of cheats.  Everything runs the validator's real
session and judge, and every seed is fixed.
"""
