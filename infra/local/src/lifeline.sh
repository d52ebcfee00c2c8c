# Reads "hold SIGNAL TARGET" and "drop SIGNAL TARGET", one a line. The input ends when the process that wrote it is
# gone, however it went: then everything still held gets its signal.
held=
while read -r verb signal target; do
  case $verb in
    hold) held="$held $signal:$target" ;;
    drop)
      rest=
      for entry in $held; do
        [ "$entry" = "$signal:$target" ] || rest="$rest $entry"
      done
      held=$rest
      ;;
  esac
done
for entry in $held; do
  kill -s "${entry%%:*}" -- "${entry#*:}"
done
