"""How a machine joins a network: `polarisctl register` and `unregister`.

`wish` is what was asked for; `judge`, `progress`, `networks`, `toml_edit` and `told` decide and
word, purely; `asking`, `place`, `settings`, `chain` and `commune` are the edges; `bittensor`,
`independent`, `legacy` and `leaving` put them together, a mode each.  Nothing here is imported
by another verb.
"""
