package schema

// Identity tells one incarnation of a pod from another of the same name.
type Identity struct {
	Pod    Entity
	UID    string
	Node   string // nodename
	Labels string // the pod's, as Heapster spells them: key:value,key:value
	// Images are the containers' base images (Heapster's container_base_image):
	// container=image, joined by commas, in order.
	Images string
	// Owner is the pod's workload, which Heapster does not know.
	Owner Owner
	// Since is the first batch with this identity.
	Since Instant
}

// NamespaceIdentity has Kubernetes' data of a namespace.
type NamespaceIdentity struct {
	Name   string
	UID    string // constant while the namespace exists, and never used again
	Labels string // spelled as in [Identity]; empty for none
}

// Owner names the workload of a pod, such as a Deployment, in the pod's namespace. The
// zero Owner means that there is none, or that it is not known.
type Owner struct {
	Kind string
	Name string
}
