"""Measures the gateway against its own floor and its peers: `python -m bench --help`.

run        one benchmark: start everything, rounds of load, collect      = contenders + load + usage
soak       one long load on the gateway alone, its memory as a slope
targets    what the product promises, as rows
report     figures to a table, to JSON and to verdicts
origin     the static provider every contender asks    (a process of its own)
noop       the ext_proc server that does nothing       (a process of its own)
"""
