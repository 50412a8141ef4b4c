// Package invariants states what must hold of a system at rest, once for every
// test that lets it suffer: whatever was killed, frozen, cut or filled up on the
// way, when all is healed and no saga is open any more, [Check] of all that can
// be seen from outside finds nothing.
//
// It knows nothing of how the facts came about. A model in memory and real
// processes are judged alike.
//
//	ended        every acknowledged request has exactly one terminal event, and nothing follows it
//	order        a history goes along the path of the event package
//	outcome      a registration ends as it must: a fault of the machinery is never told as the user's
//	duplicate    of one registration submitted twice one saga decides, and the others name it
//	once         at most one saga of an Id completes
//	row          a row stands exactly when a saga of its Id completed, and holds what that saga stored
//	code         the code is gone exactly when a saga completed; else it can be used again
//	claim        no claim outlives its saga
//	heard        what a client heard is a stored outcome of its user, and nothing contradicts it
//	unheard      each client heard the outcome that stands
//	dead letter  nothing was given up
package invariants
