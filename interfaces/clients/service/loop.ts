/**
 * The supervisor's shell script: the parent of one server.
 *
 * @module
 */

/**
 * POSIX sh. Arguments: path prefix of its files, restart policy, exit codes that mean "start again", most open files (0
 * leaves it), id of this start of the machine, then the server and its arguments, which are never expanded again.
 *
 * - Descriptor 9 is a lock that no child gets: of two loops for one service the second ends.
 * - The child itself writes who it is before it becomes the server: no server runs that the file does not name.
 * - A shell starts children in the background with INT and QUIT ignored; servers that want them set handlers.
 * - `wait` ends early when TERM arrives; asked again it has the exit status, or 127 when it gave that already.
 */
export const LOOP = `
base=$1 policy=$2 codes=$3 files=$4 boot=$5
shift 5
umask 077
exec 9>"$base.loop" && flock -n 9 || exit 0
exec >>"$base.log" 2>&1
export MYSQLD_PARENT_PID=$$
stopping=0 signalled=0 server= pause=0
trap 'stopping=1 signalled=1; [ -z "$server" ] || kill -TERM "$server" 2>/dev/null' TERM
identify() {
  read -r line </proc/self/stat || return 1
  pid=\${line%% *}
  set -f -- \${line##*) }
  shift 19 && started=$1
}
become() {
  exec 9>&-
  identify && printf '%s\\n' "$pid $started" "$loop" "$boot" >"$base.pid.new" &&
    rm -f "$base.exit" && mv -f "$base.pid.new" "$base.pid" || exit 125
  [ "$files" = 0 ] || ulimit -n "$files" 2>/dev/null || ulimit -n "$(ulimit -Hn)" || exit 125
  umask 022
  exec "$@"
}
identify || exit 125
loop="$pid $started"
while :; do
  begun=$(date +%s)
  (become "$@") &
  server=$!
  [ "$stopping" = 0 ] || kill -TERM "$server" 2>/dev/null
  code=127
  while :; do
    signalled=0
    wait "$server"
    result=$?
    [ "$result" = 127 ] && break
    code=$result
    [ "$signalled" = 0 ] && break
  done
  server=
  printf '%s\\n' "$code" >"$base.exit.new" && mv -f "$base.exit.new" "$base.exit"
  echo "supervisor: the server ended with exit code $code"
  [ "$stopping" = 0 ] || break
  case " $codes " in
    *" $code "*) ;;
    *) [ "$policy" = always ] || break ;;
  esac
  [ $(($(date +%s) - begun)) -lt 60 ] || pause=0
  if [ "$pause" != 0 ]; then
    sleep "$pause" 9>&- &
    wait $!
    [ "$stopping" = 0 ] || kill $! 2>/dev/null
  fi
  [ "$stopping" = 0 ] || break
  pause=$((pause * 2 + 1))
  [ "$pause" -le 15 ] || pause=15
done
`;
