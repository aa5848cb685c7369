package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"heapstash/heapster/failure"
	"heapstash/heapster/kube"
)

// Ports explains the error of an apiserver that finds no endpoint at a port: it names the
// ports of the service. For other errors, and if the user may not read services, there
// is no finding.
func Ports(ctx context.Context, l *kube.Lister, err error) (Finding, bool) {
	const name = "port"
	status, ok := errors.AsType[*failure.StatusError](err)
	if !ok {
		return Finding{}, false
	}
	namespace, service, port, ok := status.MissingPort()
	if !ok {
		return Finding{}, false
	}
	ports, err := l.ServicePorts(ctx, namespace, service)
	if err != nil || len(ports) == 0 {
		return Finding{}, false
	}
	var spelled, choices []string
	for _, p := range ports {
		if p.Name == port || fmt.Sprint(p.Number) == port {
			return fault(name, fmt.Sprintf("look for Heapster's pod: `kubectl --namespace %s get pods`", namespace),
				"service %s of %s has the port that is asked for, so that no pod of it is ready", service, namespace), true
		}
		spelled = append(spelled, strings.TrimSpace(fmt.Sprintf("%d %s", p.Number, p.Name)))
		choices = append(choices, fmt.Sprintf("--heapster-port %d", p.Number))
	}
	asked := "a port without a name is asked for"
	if port != "" {
		asked = fmt.Sprintf("%q is asked for", port)
	}
	return fault(name, "use "+strings.Join(choices, " or "),
		"service %s of %s has the port %s, and %s", service, namespace, strings.Join(spelled, ", "), asked), true
}
