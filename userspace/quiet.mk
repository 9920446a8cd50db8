# SPDX-License-Identifier: GPL-2.0-or-later
# $(call quiet,WORD,FILE) before a command: the two instead of the command. V=1 shows commands.
quiet = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2:$(O)/%=%);)
