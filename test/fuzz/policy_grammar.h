/*
 * policy_grammar.h - policies by chance, most of them well-formed.
 *
 * Each octet of the input is a choice; where there are none left the shortest
 * is taken, so that every input ends.  Now and then a choice is a mistake on
 * purpose: a fact that is not known there, a value of another type.
 */
#ifndef WB_FUZZ_POLICY_GRAMMAR_H
#define WB_FUZZ_POLICY_GRAMMAR_H

#include "base/buf.h"

void	policy_grammar(struct span choices, struct buf *text);

#endif
