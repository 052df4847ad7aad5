#!/bin/sh
# The berth command. It answers --version by itself, for a shell is there in a millisecond and a runtime is not, and
# becomes the program for everything else. Made by publishing src/Cli; works from any folder and through symbolic links.
case "$#$1" in
1--version)
    echo 'berth @VERSION@'
    exit 0
    ;;
esac
self=$0
case $self in
*/*) ;;
*) self=./$self ;;
esac
while [ -h "$self" ]; do
    link=$(readlink "$self")
    case $link in
    /*) self=$link ;;
    *) self=${self%/*}/$link ;;
    esac
done
exec "${self%/*}/berth-cli" "$@"
