// Package codes keeps, in Redis, which verification code belongs to which user, which saga has claimed it, and how many
// wrong ones were tried.
//
// # The keys
//
// The issuer of codes, a service beside this one, stores a user's code as a plain string under the key <Id>, with
// whatever TTL it likes. That key is its contract with us: we compare it, and delete it when the user is created or
// when five wrong codes were tried. A key of another Redis type counts as no code and is left alone; an empty string
// counts as no code too. The other three keys are ours:
//
//	create-user:claim:{<Id>}     the saga that holds the code              TTL: given with the attempt
//	create-user:used:{<Id>}      "claimed <saga> <hash>", after the
//	                             deletion "deleted <saga> <hash>"          TTL: 10 minutes, or the claim's if longer
//	create-user:attempts:{<Id>}  a hash: the code's hash, and each saga
//	                             that gave a wrong one, at most five       TTL: the code's, or 24 hours if it has none
//
// A hash is SHA-1 in hex. It is there to compare, not to hide: a short code can be found from it. But what is hashed
// stands in clear under <Id>, or is spent, and codes never go over the wire to Redis in clear, so none is seen in its slow
// log. What [Codes.Store] writes for development is the one exception.
//
// # How a code is compared
//
// Both codes are hashed and the two hashes are compared, so the work is the same wherever the codes differ: were the
// comparison to stop at the first difference, its duration would tell about hashes, not about codes. The try is
// counted before the comparison, and given back if it was right. A script runs alone in Redis, so of any number of
// parallel tries at most five wrong ones are ever compared.
//
// # Twice, at once, and on a crash
//
// Every operation is one script, all or nothing, and repeating it for the same saga changes nothing more: a claim is
// confirmed; a wrong try stays wrong and is not counted again; a deletion is done once, so that it cannot take a code
// that the issuer stored later for another purpose; a release frees only what this saga holds. So go-redis may repeat a
// pipeline whose connection broke. Of two sagas with one code the first to come claims it, and the other
// hears whose duplicate it is: from the claim while the code is stored, and from the used key after that.
//
// # Which Ids
//
// Ids are taken byte by byte. The empty Id and those that begin with "create-user:" would be or hit keys of our own: for
// them no code is ever right. Nothing else of ours can be hit, because only those two braces surround the Id, so
// different Ids never share a key. But other programs' string keys in the same Redis database look like codes: give
// the codes a database of their own where Ids are not under control, and let the token vouch for the Id first.
//
// In a Redis Cluster the four keys of an Id must fall into one slot, and do, because Redis hashes what stands between the
// first pair of braces. An Id that has a closing brace breaks that: there its attempts fail with CROSSSLOT, which
// is not [Unavailable]. On a single Redis such Ids work.
package codes
