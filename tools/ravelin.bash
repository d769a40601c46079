# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of ravelin's commands, and of the names that a running daemon knows, for bash.

_ravelin_names() # command whose table has the names in its first column
{
	ravelin list "$1" 2>/dev/null | tail -n +2 | cut -d ' ' -f 1
}

_ravelin()
{
	local word=${COMP_WORDS[COMP_CWORD]} words='up down rekey reauth redirect status list diagnose load unload reload capture monitor
		log-level export import inspect stop --socket --json --timeout --drain --key-file --help --version'

	case ${COMP_WORDS[COMP_CWORD - 1]} in
	up | down | rekey | reauth | redirect | diagnose) words=$(_ravelin_names connections) ;;
	load | unload) words=$(_ravelin_names plugins) ;;
	list) words='connections ike child plugins services policies attempts' ;;
	log-level) words='error warn notice info debug' ;;
	--socket | --key-file | export | import | inspect) words=$(compgen -f -- "$word") ;;
	--timeout) words= ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _ravelin ravelin
