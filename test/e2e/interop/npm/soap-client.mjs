// Calls an encryption service with the client that npm soap makes from the WSDL
// at the first argument. Prints the answer, or the fault's code, as JSON.
// The phone and the password are the other two arguments.
import soap from "soap";

const [, , url, phone, password] = process.argv;
const client = await soap.createClientAsync(url);
try {
  const [answer] = await client.EncryptAsync({ phone, password });
  console.log(JSON.stringify({ phone: answer.EncryptedPhone, password: answer.EncryptedPassword }));
} catch (err) {
  if (!err.root) throw err;
  console.log(JSON.stringify({ fault: err.root.Envelope.Body.Fault.faultcode }));
}
