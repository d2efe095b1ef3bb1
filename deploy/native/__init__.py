"""The services without a container engine: Debian's own packages in one root file system, run with bubblewrap."""
