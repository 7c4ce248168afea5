#!/bin/sh
echo "started $*"
