package executor

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// tlsConfig reads a TLS setting: "" and "true" verify certificate and name against
// the system's authorities, "skip-verify" verifies nothing, anything else is a file
// of authorities in PEM.
func tlsConfig(setting, name string) (*tls.Config, error) {
	c := &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12}
	switch setting {
	case "", "true":
	case "skip-verify":
		c.InsecureSkipVerify = true //nolint:gosec // the runbook asks for it, by name
	default:
		pem, err := os.ReadFile(setting)
		if err != nil {
			return nil, fmt.Errorf("read the certificate authorities: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read the certificate authorities: %q holds no certificate", setting)
		}
	}
	return c, nil
}
