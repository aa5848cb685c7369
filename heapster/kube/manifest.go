package kube

import (
	"fmt"
	"strings"

	"heapstash/heapster/failure"
)

// manifest is one document, so that kubectl accepts it with an indentation too.
const manifest = `apiVersion: v1
kind: List
items:
- apiVersion: rbac.authorization.k8s.io/v1 # v1beta1 up to Kubernetes 1.7
  kind: Role
  metadata: {name: heapstash, namespace: %[1]q}
  rules:
  - {apiGroups: [""], resources: [%[2]q], verbs: [%[3]q], resourceNames: [%[4]q]}
- apiVersion: rbac.authorization.k8s.io/v1
  kind: RoleBinding
  metadata: {name: heapstash, namespace: %[1]q}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: heapstash}
  subjects:
  - %[5]s
`

// Manifest returns the Role and the RoleBinding that give the user the rule, in YAML
// for kubectl apply. For an unknown user it has a name to replace.
func Manifest(r failure.Rule) string {
	return fmt.Sprintf(manifest, r.Namespace, r.Resource, r.Verb, r.Name, subject(r.User))
}

// subject spells a user for a RoleBinding.
func subject(user string) string {
	if account, ok := strings.CutPrefix(user, "system:serviceaccount:"); ok {
		namespace, name, _ := strings.Cut(account, ":")
		return fmt.Sprintf("{kind: ServiceAccount, namespace: %q, name: %q}", namespace, name)
	}
	if user == "" {
		user = "NAME-OF-THE-USER"
	}
	return fmt.Sprintf("{apiGroup: rbac.authorization.k8s.io, kind: User, name: %q}", user)
}
