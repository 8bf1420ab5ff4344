"""The edges of the doctor: each module reads one topic of the machine.

Called through `polarisctl.doctor.facts`.  A gatherer decides nothing: it turns
files, programs and sockets into the frozen values of the topic's pure module.
"""
