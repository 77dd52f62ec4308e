"""The Sphinx extensions of this site, one purpose and one file each."""
