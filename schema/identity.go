package schema

// Identity tells one incarnation of a pod from another of the same name.
type Identity struct {
	Pod    Entity
	UID    string
	Node   string // nodename
	Labels string // of the pod, as Heapster spells them: key:value,key:value
	// Images are its containers' base images: container=image, joined by
	// commas, in order. The images are Heapster's container_base_image.
	Images string
	// Owner is the workload that it belongs to, which Heapster does not know.
	Owner Owner
	// Since is the batch in which this was seen first.
	Since Instant
}

// NamespaceIdentity is what Kubernetes tells of a namespace.
type NamespaceIdentity struct {
	Name   string
	UID    string // stays the same as long as the namespace exists, and never comes back
	Labels string // spelled as those of an [Identity]; empty for none
}

// Owner names a workload of Kubernetes in its pods' namespace, such as a
// Deployment, or what else a pod belongs to; the zero Owner is nobody or not
// known.
type Owner struct {
	Kind string
	Name string
}
