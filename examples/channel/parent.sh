#!/bin/bash
# A parent: parent.sh COMMAND [ARG...] starts the command with a channel, and prints what it says. A shell
# cannot make a socket pair, socat can: the command has one end as its descriptor 3, we have the other.
export NODE_CHANNEL_FD=3 NODE_CHANNEL_SERIALIZATION_MODE=json
exec 4>&1
coproc channel { exec socat -t 30 - "EXEC:${*@Q} >&4 4>&-,fdin=3,fdout=3"; }
exec {to_child}>&"${channel[1]}" {from_child}<&"${channel[0]}"

printf '%s\n' '{"id":1,"path":"ä.png"}' '"two"' '[3,null]' >&"$to_child"

answers=0
while IFS= read -r line <&"$from_child"; do
  case $line in '{"cmd":"NODE_'*) continue ;; esac # what the other runtime says to ours
  printf 'child said %s\n' "$line"
  case $line in '{"you_said":'*) answers=$((answers + 1)) ;; esac
  if [ "$answers" = 3 ]; then
    exec {to_child}>&- # and socat ends that direction
    eval "exec ${channel[1]}>&-"
  fi
done
wait
printf 'the channel has ended\n'
