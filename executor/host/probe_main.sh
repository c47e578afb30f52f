sg_identity
sg_report "$sg_fence"
