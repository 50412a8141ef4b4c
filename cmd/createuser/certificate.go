package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"path/filepath"
	"time"

	"github.com/create-user/create-user/pkg/access"
)

const (
	authorityLife   = 10 * 365 * 24 * time.Hour
	certificateLife = 365 * 24 * time.Hour
	renewBefore     = 60 * 24 * time.Hour
)

// natsCertificate makes an authority and the NATS servers' certificate, which is
// renewed when it ends soon or lacks a host, and hands everyone who connects the
// authority's.
func natsCertificate(v *vault, hosts []string, now time.Time) {
	authority := v.keep("authority/authority.pem", func() (string, error) { return newAuthority(now) })
	if v.err != nil {
		return
	}
	issuer, err := parsePair(authority)
	if err != nil {
		v.err = fmt.Errorf("read the authority: %w", err)
		return
	}
	pair := v.keep("nats/tls.pem", func() (string, error) { return issue(issuer, hosts, now) })
	if v.err == nil && !serves(pair, hosts, now) {
		pair, v.err = issue(issuer, hosts, now)
		v.put("nats/tls.pem", pair)
	}
	public := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issuer.Leaf.Raw}))
	for _, p := range access.Peers() {
		v.put(filepath.Join(p.Name, "nats-ca.crt"), public)
	}
}

// serves reports whether a certificate is good for hosts, for a while.
func serves(pair string, hosts []string, now time.Time) bool {
	have, err := parsePair(pair)
	if err != nil || now.After(have.Leaf.NotAfter.Add(-renewBefore)) {
		return false
	}
	for _, h := range hosts {
		if have.Leaf.VerifyHostname(h) != nil {
			return false
		}
	}
	return true
}

func parsePair(text string) (tls.Certificate, error) {
	return tls.X509KeyPair([]byte(text), []byte(text))
}

func newAuthority(now time.Time) (string, error) {
	return sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: "Create User authority"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(authorityLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil)
}

func issue(issuer tls.Certificate, hosts []string, now time.Time) (string, error) {
	c := &x509.Certificate{
		Subject: pkix.Name{CommonName: hosts[0]}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, h)
		}
	}
	return sign(c, &issuer)
}

// sign makes a key and its certificate, signed by issuer or, without one, by
// itself, and returns both as PEM.
func sign(c *x509.Certificate, issuer *tls.Certificate) (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	if c.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return "", err
	}
	parent, signer := c, any(key)
	if issuer != nil {
		parent, signer = issuer.Leaf, issuer.PrivateKey
	}
	certificate, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		return "", err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})), nil
}
