"""How the GPU stack gets onto a host: `polarisctl gpu-setup`, and the package polaris-gpu.

`lock` says which wheels, `plan` what is to be done, `index` where they are, `fetch` brings
them, `unpack` opens them, `place` puts the finished directory in place, `trial` has a worker
compile and run a first kernel with it.  Standard library only.
"""
