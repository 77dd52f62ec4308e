"""The tests of the site, of its programs and of what builds it."""
