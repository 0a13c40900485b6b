"""The exit statuses of commands."""

OK = 0  # every cell stands; what was asked for was done
SOME_FAILED = 1  # some cells failed, or something beside the input did: a full disk, a damaged file
AT_FAULT = 2  # the config, the data or the words are at fault
INTERRUPTED = 130
