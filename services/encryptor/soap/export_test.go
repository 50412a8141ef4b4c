package soap

// NewVia returns a client that sends through a transport of the test.
var NewVia = newClient
