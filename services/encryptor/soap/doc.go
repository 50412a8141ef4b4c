// Package soap asks the SOAP encryption service to encrypt a phone and a
// password. It wraps the client that gowsdl generates from encrypt.wsdl, and
// closes what that leaves open.
//
// # What happens twice, at once and on a crash
//
// A call changes nothing at the service: it may be repeated, and its two
// answers, though different when the service uses random nonces, are equally
// good. So a call whose kept-alive connection turns out to be closed is sent
// again on a new one. Nothing else is retried here; the saga does that.
// A Client is safe for concurrent use, and its calls share its connections.
// A cancelled call closes its connection; the service may still handle it.
//
// # Errors
//
// Every failed call is exactly one of these:
//
//   - *Fault: the service refused in the words of SOAP.
//   - ErrUnusable: it answered, and not by the contract.
//   - ErrUnavailable: it could not be asked, or did not answer.
//   - ErrValue: nothing was sent, since no XML document can carry a value.
//   - The error of the caller's context, when that has ended.
//
// No error carries a value, nor anything that the service sent, since a service
// may echo what it was sent: the texts are this package's own, or those of the
// operating system and of crypto/tls about the connection.
//
// # Faults
//
// By SOAP 1.1, section 4.4.1, the code Client says that the message was wrong
// and must not be sent again unchanged, and Server that it could not be handled
// for reasons that are not in the message, so that it may succeed later. In
// practice servers do not keep these apart: many libraries answer Server to
// whatever a handler throws, a refused value included, so waiting for a Server
// fault to pass may wait for ever. A fault of either code is therefore a *Fault,
// which the design ends the registration with ("encryption_failed"); a caller
// that wants to ask again a few times before it believes a Server fault finds
// the code in it.
//
// A service that is away does not answer with a fault of its own: it is the
// gateway in front of it that says 502, 503 or 504, and these mean
// ErrUnavailable even when their body is a fault.
//
// # On the wire
//
// The elements in EncryptRequest carry no prefix, and values are escaped.
// Deployed services search the request for "<phone>" and do not unescape:
// [Config.Raw] sends values to them as they are, as their other clients do.
// [Client.Unescapes] tells which kind a service is.
package soap
